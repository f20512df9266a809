BeforeAll {
    Import-Module -Name (Join-Path -Path $PSScriptRoot -ChildPath 'World.psm1') -Force
    Import-StubModule -Folder $TestDrive
    $script:root = (Get-Item -LiteralPath $TestDrive).FullName
    $script:id = '00112233-4455-6677-8899-aabbccddeeff'
    $script:run = '5b0e4e0a-9b0c-4a7d-8e2c-1b110f7c1d4a'
    $script:other = '9a3d0b77-2c1f-4b8e-8e44-7f0a1b2c3d4e'
    $script:work = Join-Path -Path $root -ChildPath '.borg-cluster'
    $script:mine = Join-Path -Path $work -ChildPath $run
}

Describe 'Get-BorgClusterNodeReport' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'tells the disk by its controller position, with its chain' {
        $report = Get-BorgClusterNodeReport | ConvertFrom-Json
        @($report.vms).Count | Should -Be 1
        $disk = @($report.vms[0].disks)[0]
        $disk.controller_type | Should -Be 'SCSI'
        @($disk.chain)[0].path | Should -Be $world['Disk']
        $disk.chain_error | Should -BeNullOrEmpty
        @($report.vms[0].files)[0].kind | Should -Be 'configuration'
    }

    It 'tells in bytes what a machine starts with, and what of the memory is free' {
        $report = Get-BorgClusterNodeReport | ConvertFrom-Json
        $report.vms[0].memory_startup | Should -Be 4GB
        $report.memory_available | Should -Be 3GB
        Use-StubAnswer -Command 'Get-CimInstance' -Answer { throw 'Generic failure' }
        (Get-BorgClusterFreeMemory) | Should -BeNullOrEmpty
    }

    It 'tells by which Fibre Channel adapters the guest reaches storage of its own' {
        @((Get-BorgClusterNodeReport | ConvertFrom-Json).vms[0].fibre_channel_adapters).Count | Should -Be 0
        $adapters = @(
            [pscustomobject] @{ Id = 'Microsoft:X\1'; SanName = 'Production' }
            [pscustomobject] @{ Id = 'Microsoft:X\2'; SanName = '' }
        )
        Add-Member -InputObject $world['VM'][0] -MemberType NoteProperty -Name 'FibreChannelHostBusAdapters' -Value $adapters
        $ports = @((Get-BorgClusterNodeReport | ConvertFrom-Json).vms[0].fibre_channel_adapters)
        $ports.id | Should -Be @('Microsoft:X\1', 'Microsoft:X\2')
        $ports[0].san_name | Should -Be 'Production'
        $ports[1].san_name | Should -BeNullOrEmpty
    }

    It 'tells that a machine can not be read, and reports the others' {
        $world['VM'] = @($world['VM']) + @(Get-Machine -Id $other -Name 'bad' -Folder $world['Folder'])
        Use-StubAnswer -Command 'Get-VMHardDiskDrive' -Answer {
            if ($args[0]['VM'].Name -eq 'bad') {
                throw 'It failed with 0x80070020.'
            }
        }
        $report = Get-BorgClusterNodeReport | ConvertFrom-Json
        @($report.vms).name | Should -Be @('web01', 'bad')
        @($report.vms[0].disks).Count | Should -Be 0
        @($report.vms[1].disks).chain_error | Should -Be '0x80070020'
    }
}
