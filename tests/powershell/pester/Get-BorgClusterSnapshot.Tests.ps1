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

Describe 'Get-BorgClusterSnapshot' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'tells ours from others' {
        Add-StubSnapshot -Id $other -Name 'borg-cluster 5b0e4e0a-9b0c-4a7d-8e2c-1b110f7c1d4a'
        Add-StubSnapshot -Id $other -Name 'another product'

        $report = Get-BorgClusterSnapshot -VMId $id | ConvertFrom-Json
        @($report.snapshots).Count | Should -Be 2
        $report.snapshots[0].run_id | Should -Be $run
        $report.snapshots[1].run_id | Should -BeNullOrEmpty
        @($report.snapshots[0].disks)[0].path | Should -Be $world['Disk']
        @($report.snapshots[0].disks)[0].controller_type | Should -Be 'SCSI'
        $report.state | Should -Be 'Running'
        $report.merging | Should -BeFalse
    }

    It 'fails for a machine of another node' {
        $world['VM'] = @()

        Use-StubAnswer -Command 'Get-CimInstance' -Answer { return }
        { Get-BorgClusterSnapshot -VMId $id } | Should -Throw -ErrorId 'BorgClusterVMNotRegistered*'
    }
}
