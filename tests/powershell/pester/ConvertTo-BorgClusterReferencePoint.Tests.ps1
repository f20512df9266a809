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

Describe 'ConvertTo-BorgClusterReferencePoint' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'names what it made' {
        Add-StubSnapshot -Id $other -Name 'borg-cluster 5b0e4e0a-9b0c-4a7d-8e2c-1b110f7c1d4a'

        $report = ConvertTo-BorgClusterReferencePoint -VMId $id -SnapshotId $other | ConvertFrom-Json
        $report.made | Should -Be 'bbbbbbbb-0000-4000-8000-000000000001'
    }

    It 'fails when the snapshot is gone' {
        { ConvertTo-BorgClusterReferencePoint -VMId $id -SnapshotId $other } | Should -Throw -ErrorId 'BorgClusterSnapshotMissing*'
    }
}
