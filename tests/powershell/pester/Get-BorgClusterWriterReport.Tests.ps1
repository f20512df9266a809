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

Describe 'Get-BorgClusterWriterReport' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'takes the states from vssadmin where there is no diskshadow' {
        Mock -CommandName 'Invoke-BorgClusterDiskshadow' -ModuleName 'BorgCluster' -MockWith {
            throw [System.Management.Automation.CommandNotFoundException]::new('diskshadow')
        }
        Mock -CommandName 'Invoke-BorgClusterTool' -ModuleName 'BorgCluster' -MockWith {
            $lines = @("Verfassername: 'x'", '   Kennung: {66841cd4-6ded-4f4b-8f17-fd23f8ddc3de}', '   Status: [5] wartet')
            @{ ExitCode = 0; Line = $lines }
        }
        $report = Get-BorgClusterWriterReport | ConvertFrom-Json
        @($report.components).Count | Should -Be 0
        @($report.writers).state | Should -Be 5
    }

    It 'fails when diskshadow fails' {
        Mock -CommandName 'Invoke-BorgClusterTool' -ModuleName 'BorgCluster' -MockWith { @{ ExitCode = 5; Line = @() } }
        { Get-BorgClusterWriterReport } | Should -Throw -ErrorId 'BorgClusterDiskshadowFailed*'
    }
}
