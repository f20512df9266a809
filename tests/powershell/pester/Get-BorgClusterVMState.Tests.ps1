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

Describe 'Get-BorgClusterVMState' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'tells role and registration by the id' {
        $world['Group'][0].Name = 'web[1]*'
        foreach ($resource in $world['Resource']) {
            $resource.OwnerGroup = 'web[1]*'
        }
        $state = Get-BorgClusterVMState -VMId $id -Path $world['Disk'] | ConvertFrom-Json
        $state.role.name | Should -Be 'web[1]*'
        $state.role.vm_resource_state | Should -Be 'Online'
        $state.role.offline_action | Should -Be 1
        $state.registration.configuration_path.Replace('\', '/') | Should -Be $world['Vmcx'].Replace('\', '/')
        @($state.files)[0].exists | Should -BeTrue
    }

    It 'says that there is no role only when the cluster says so' {
        $world['Group'] = @()
        $world['Resource'] = @()

        (Get-BorgClusterVMState -VMId $id | ConvertFrom-Json).role | Should -BeNullOrEmpty
        Use-StubAnswer -Command 'Get-ClusterResource' -Answer { throw 'The cluster service is not running.' }
        { Get-BorgClusterVMState -VMId $id } | Should -Throw '*not running*'
    }

    It 'takes a status that nobody tells for none, not for 0' {
        $world['Status'] = $null
        $state = Get-BorgClusterVMState -VMId $id | ConvertFrom-Json
        @($state.registration.operational_status).Count | Should -Be 0
    }
}
