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

Describe 'Grant-BorgClusterVMAccess' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'names the account by its SID' {
        Mock -CommandName 'Invoke-BorgClusterTool' -ModuleName 'BorgCluster' -MockWith { @{ ExitCode = 0; Line = @() } }
        $null = Grant-BorgClusterVMAccess -VMId $id -Path $world['Disk']
        Should -Invoke -CommandName 'Invoke-BorgClusterTool' -ModuleName 'BorgCluster' -Times 1 -ParameterFilter {
            $Name -eq 'icacls' -and $Argument[2] -eq '*S-1-5-83-1-1122867-1719092309-3148519816-4293844428:(F)'
        }
    }

    It 'tells that icacls failed' {
        Mock -CommandName 'Invoke-BorgClusterTool' -ModuleName 'BorgCluster' -MockWith { @{ ExitCode = 5; Line = @() } }
        { Grant-BorgClusterVMAccess -VMId $id -Path $world['Disk'] } | Should -Throw -ErrorId 'BorgClusterAccessNotGranted*'
    }
}
