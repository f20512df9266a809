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

Describe 'Get-BorgClusterAccess' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'tells each right' {
        $report = Get-BorgClusterAccess | ConvertFrom-Json
        @($report.checks).Count | Should -Be 8
        $granted = @{}
        foreach ($check in $report.checks) {
            $granted[$check.right] = $check.granted
        }
        $granted['cluster_read'] | Should -BeTrue
        $granted['hyper_v'] | Should -BeTrue
        $granted['volume_write'] | Should -BeTrue
        $granted['wmi_cluster'] | Should -BeFalse
    }

    It 'tells why one is missing' {
        Use-StubAnswer -Command 'Get-Cluster' -Answer { throw 'Access is denied.' }
        $report = Get-BorgClusterAccess | ConvertFrom-Json
        @($report.checks)[0].granted | Should -BeFalse
        @($report.checks)[0].detail | Should -BeLike '*denied*'
    }
}
