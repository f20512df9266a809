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

Describe 'Register-BorgClusterVM' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'disconnects an adapter without switch, and says so' {
        $world['VM'] = @()

        $world['Planned'] = @(Get-Machine -Id $id -Name 'web01' -Folder $world['Folder'])
        $adapter = [pscustomobject] @{ PSTypeName = 'Microsoft.HyperV.PowerShell.VMNetworkAdapter'; Name = 'Adapter' }
        $world['Finding'] = @([pscustomobject] @{ MessageId = 33012; Message = 'no switch'; Source = $adapter })
        $result = Register-BorgClusterVM -VMId $id -Path $world['Vmcx'] | ConvertFrom-Json
        $result.registered | Should -BeTrue
        @($result.incompatibilities)[0].mended_by | Should -Be 'disconnected'
    }

    It 'ejects a medium that is not there, and says so' {
        $world['VM'] = @()
        $world['Planned'] = @(Get-Machine -Id $id -Name 'web01' -Folder $world['Folder'])
        $drive = [pscustomobject] @{ PSTypeName = 'Microsoft.HyperV.PowerShell.DvdDrive'; Name = 'DVD' }
        $world['Finding'] = @([pscustomobject] @{ MessageId = 40010; Message = 'no medium'; Source = $drive })
        $result = Register-BorgClusterVM -VMId $id -Path $world['Vmcx'] | ConvertFrom-Json
        $result.registered | Should -BeTrue
        @($result.incompatibilities)[0].mended_by | Should -Be 'ejected'
        $world['Method'] | Should -Contain 'Set-VMDvdDrive'
    }

    It 'uses disks where they lie now' {
        $world['VM'] = @()
        $world['Planned'] = @(Get-Machine -Id $id -Name 'web01' -Folder $world['Folder'])
        $new = Join-Path -Path $world['Folder'] -ChildPath 'moved.vhdx'
        $old = @($world['Drive'])[0].Path
        $result = Register-BorgClusterVM -VMId $id -Path $world['Vmcx'] -Source $old -Destination $new | ConvertFrom-Json
        $result.registered | Should -BeTrue
        @($world['Drive'])[0].Path.Replace('\', '/') | Should -Be $new.Replace('\', '/')
    }

    It 'refuses to move a disk that the configuration does not name' {
        $world['VM'] = @()
        $world['Planned'] = @(Get-Machine -Id $id -Name 'web01' -Folder $world['Folder'])
        $other = Join-Path -Path $world['Folder'] -ChildPath 'other.vhdx'
        { Register-BorgClusterVM -VMId $id -Path $world['Vmcx'] -Source $other -Destination $other } |
            Should -Throw -ErrorId 'BorgClusterDiskNotFound*'
        $world['VM'] | Should -BeNullOrEmpty
    }

    It 'refuses the configuration of another' {
        $world['VM'] = @()

        $world['Planned'] = @(Get-Machine -Id $other -Name 'web02' -Folder $world['Folder'])
        { Register-BorgClusterVM -VMId $id -Path $world['Vmcx'] } | Should -Throw -ErrorId 'BorgClusterVMIdDiffers*'
    }
}
