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

Describe 'Register-BorgClusterVMCopy' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'registers it with its own id, name and disks' {
        $folder = Join-Path -Path $root -ChildPath 'copy'
        $machines = Join-Path -Path $folder -ChildPath 'Virtual Machines'
        $null = New-Item -Path $machines -ItemType Directory -Force
        $vmcx = Join-Path -Path $machines -ChildPath "$id.vmcx"
        Set-Content -LiteralPath $vmcx -Value 'configuration'
        $world['Planned'] = @(Get-Machine -Id $other -Name 'web01' -Folder $folder)
        $how = @{ Path = $vmcx; VMId = $id; Name = 'web01 (copy)'; RestoreId = $run }

        $disk = Join-Path -Path $folder -ChildPath 'web01.vhdx'
        Set-Content -LiteralPath $disk -Value 'copy'
        foreach ($time in 1, 2) {
            $result = Register-BorgClusterVMCopy @how | ConvertFrom-Json
            $result.vm_id | Should -Be $other
            $result.state.registration.name | Should -Be 'web01 (copy)'
            @($result.state.registration.disk_paths)[0].Replace('\', '/') | Should -Be $disk.Replace('\', '/')
        }
        @($world['Method'] -eq 'RealizePlannedSystem').Count | Should -Be 1
        $world['Method'] | Should -Contain 'Disconnect-VMNetworkAdapter'
    }

    It 'never attaches the disks of the original' {
        $folder = Join-Path -Path $root -ChildPath 'copy'
        $machines = Join-Path -Path $folder -ChildPath 'Virtual Machines'
        $null = New-Item -Path $machines -ItemType Directory -Force
        $vmcx = Join-Path -Path $machines -ChildPath "$id.vmcx"
        Set-Content -LiteralPath $vmcx -Value 'configuration'
        $world['Planned'] = @(Get-Machine -Id $other -Name 'web01' -Folder $folder)
        $how = @{ Path = $vmcx; VMId = $id; Name = 'web01 (copy)'; RestoreId = $run }

        Remove-Item -LiteralPath (Join-Path -Path $folder -ChildPath 'web01.vhdx') -ErrorAction SilentlyContinue
        { Register-BorgClusterVMCopy @how } | Should -Throw -ErrorId 'BorgClusterDiskNotFound*'
        $world['Method'] | Should -Not -Contain 'RealizePlannedSystem'
    }
}
