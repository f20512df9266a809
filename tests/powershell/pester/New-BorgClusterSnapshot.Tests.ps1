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

Describe 'New-BorgClusterSnapshot' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'marks what it made, and finds it again' {
        foreach ($time in 1, 2) {
            $how = @{ VMId = $id; RunId = $run; Consistency = 'Application'; TimeoutSecond = 5 }
            $report = New-BorgClusterSnapshot @how | ConvertFrom-Json
            $report.made | Should -Be 'aaaaaaaa-0000-4000-8000-000000000001'
            @($report.snapshots)[0].name | Should -Be "borg-cluster $run"
        }
        @($world['Method'] -eq 'CreateSnapshot').Count | Should -Be 1
    }

    It 'destroys what it can not mark' {
        Use-StubAnswer -Command 'Get-VMSnapshot' -Answer { throw 'no such checkpoint' }
        $how = @{ VMId = $id; RunId = $run; Consistency = 'Crash'; TimeoutSecond = 5 }
        Mock -CommandName 'ConvertTo-BorgClusterInstanceText' -ModuleName 'BorgCluster' -MockWith { '<INSTANCE/>' }
        { New-BorgClusterSnapshot @how } | Should -Throw -ErrorId 'BorgClusterSnapshotNotMarked*'
        $world['Method'] | Should -Contain 'DestroySnapshot'
    }
}
