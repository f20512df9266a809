BeforeAll {
    Import-Module -Name (Join-Path -Path $PSScriptRoot -ChildPath 'World.psm1') -Force
    Import-StubModule -Folder $TestDrive
    $script:root = (Get-Item -LiteralPath $TestDrive).FullName
    $script:id = '00112233-4455-6677-8899-aabbccddeeff'
    $script:other = '9a3d0b77-2c1f-4b8e-8e44-7f0a1b2c3d4e'
}

Describe 'Compare-BorgClusterVM' {
    BeforeEach {
        $script:world = Use-StubWorld -Root $root
        $world['Planned'] = @(Get-Machine -Id $other -Name 'web01' -Folder $world['Folder'])
    }

    It 'tells what would hinder it, without disks and media, and registers nothing' {
        $before = @($world['VM']).Count
        $world['Finding'] = @(foreach ($type in 'HardDiskDrive', 'DvdDrive', 'VMNetworkAdapter', 'VirtualMachine') {
            $source = [pscustomobject] @{ PSTypeName = "Microsoft.HyperV.PowerShell.$type"; Name = $type }
            [pscustomobject] @{ MessageId = 1; Message = $type; Source = $source }
        })
        $result = Compare-BorgClusterVM -VMId $id -Path $world['Vmcx'] | ConvertFrom-Json
        @($result.incompatibilities).source_type | Should -Be @('VMNetworkAdapter', 'VirtualMachine')
        @($result.incompatibilities).mended_by | Should -Be @('disconnected', $null)
        $result.registered | Should -BeFalse
        @($world['VM']).Count | Should -Be $before
    }

    It 'leaves no planned machine behind' {
        $null = Compare-BorgClusterVM -VMId $id -Path $world['Vmcx']
        $world['Method'] | Should -Contain 'DestroySystem'
        $world['Method'] | Should -Not -Contain 'RealizePlannedSystem'
    }
}
