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

Describe 'Get-BorgClusterReferencePoint' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'tells the tracking of each disk' {
        Add-StubSnapshot -Id $other -Name 'borg-cluster 5b0e4e0a-9b0c-4a7d-8e2c-1b110f7c1d4a'

        $null = ConvertTo-BorgClusterReferencePoint -VMId $id -SnapshotId $other
        $report = Get-BorgClusterReferencePoint -VMId $id | ConvertFrom-Json
        @($report.reference_points).Count | Should -Be 1
        @($report.reference_points[0].disks)[0].rct_id | Should -Be 'rctX:1:2'
        @($report.reference_points[0].disks)[0].path | Should -Be $world['Disk']
        $report.reference_points[0].run_id | Should -Be $run
    }

    It 'takes no point for ours whose name is not our mark' {
        Add-StubSnapshot -Id $other -Name "borg-cluster $run"

        $null = ConvertTo-BorgClusterReferencePoint -VMId $id -SnapshotId $other
        $world['Point'][0].ElementName = 'Nightly'
        $report = Get-BorgClusterReferencePoint -VMId $id | ConvertFrom-Json
        $report.reference_points[0].run_id | Should -BeNullOrEmpty
    }

    It 'tells no disk from another when the lists differ in length' {
        Add-StubSnapshot -Id $other -Name 'borg-cluster 5b0e4e0a-9b0c-4a7d-8e2c-1b110f7c1d4a'

        $null = ConvertTo-BorgClusterReferencePoint -VMId $id -SnapshotId $other
        $world['Point'][0].ResilientChangeTrackingIdentifiers = @()
        $report = Get-BorgClusterReferencePoint -VMId $id | ConvertFrom-Json
        $report.reference_points[0].complete | Should -BeFalse
        @($report.reference_points[0].disks).Count | Should -Be 0
    }
}
