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

Describe 'Get-BorgClusterDiskChange' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'asks until the whole disk was looked at' {
        $report = Get-BorgClusterDiskChange -VMId $id -Path $world['Disk'] -Since 'rctX:1:2' | ConvertFrom-Json
        $report.virtual_size | Should -Be 2MB
        @($world['Method'] -eq 'GetVirtualDiskChanges').Count | Should -Be 2
        @($report.ranges)[0].offset | Should -Be 65536
    }

    It 'gives up when it gets nowhere' {
        $world['Change']['Processed'] = 0
        { Get-BorgClusterDiskChange -VMId $id -Path $world['Disk'] -Since 'rctX:1:2' } | Should -Throw -ErrorId 'BorgClusterNoProgress*'
    }
}
