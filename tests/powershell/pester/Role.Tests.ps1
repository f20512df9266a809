BeforeAll {
    $root = Join-Path -Path $PSScriptRoot -ChildPath '../../..'
    Import-Module -Name (Join-Path -Path $PSScriptRoot -ChildPath 'Stub.psm1') -Force
    Import-Stub -Folder (Join-Path -Path $TestDrive -ChildPath 'stubs')
    Import-Module -Name (Join-Path -Path $root -ChildPath 'powershell/BorgCluster/BorgCluster.psd1') -Force
    $script:id = '00112233-4455-6677-8899-aabbccddeeff'
}

Describe 'Get-BorgClusterVMState' {
    It 'says that there is no role only when the cluster says so' {
        Use-StubAnswer -Command 'Get-VM' -Answer { return }
        Use-StubAnswer -Command 'Get-ClusterGroup' -Answer { throw 'The cluster group could not be found.' }
        Use-StubAnswer -Command 'Get-ClusterResource' -Answer { return }
        $state = Get-BorgClusterVMState -VMId $id | ConvertFrom-Json
        $state.role | Should -BeNullOrEmpty
        $state.registration | Should -BeNullOrEmpty
        @($state.files).Count | Should -Be 0

        Use-StubAnswer -Command 'Get-ClusterResource' -Answer { throw 'The cluster service is not running.' }
        { Get-BorgClusterVMState -VMId $id } | Should -Throw '*not running*'
    }

    It 'tells the role by the id, whatever its name' {
        Use-StubAnswer -Command 'Get-VM' -Answer { return }
        Use-StubAnswer -Command 'Get-ClusterGroup' -Answer {
            $group = @{ Id = '1a2b3c4d-0000-4000-8000-000000000001'; Name = 'web[1]*'; State = 'Online'; OwnerNode = 'NODE1' }
            [pscustomobject] $group
        }
        Use-StubAnswer -Command 'Get-ClusterResource' -Answer {
            foreach ($type in 'Virtual Machine', 'Virtual Machine Configuration') {
                $resource = @{ Id = [guid]::NewGuid(); Name = "$type web[1]*"; ResourceType = $type; OwnerGroup = 'web[1]*' }
                $resource['State'] = 'Online'
                [pscustomobject] $resource
            }
        }
        Use-StubAnswer -Command 'Get-ClusterParameter' -Answer {
            [pscustomobject] @{ Name = 'VmId'; Value = '00112233-4455-6677-8899-AABBCCDDEEFF' }
            [pscustomobject] @{ Name = 'OfflineAction'; Value = [uint32] 1 }
        }
        $state = Get-BorgClusterVMState -VMId $id | ConvertFrom-Json
        $state.role.name | Should -Be 'web[1]*'
        $state.role.vm_resource_state | Should -Be 'Online'
        $state.role.configuration_resource_state | Should -Be 'Online'
        $state.role.offline_action | Should -Be 1
        $state.role.migration_state | Should -BeNullOrEmpty
    }
}
