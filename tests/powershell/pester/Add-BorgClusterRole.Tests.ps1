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

Describe 'Add-BorgClusterRole' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'makes it highly available' {
        $null = Remove-BorgClusterRole -VMId $id
        (Add-BorgClusterRole -VMId $id -Name 'web01' | ConvertFrom-Json).role.name | Should -Be 'web01'
    }

    It 'tells what each way said' {
        $null = Remove-BorgClusterRole -VMId $id
        Use-StubAnswer -Command 'Add-ClusterVirtualMachineRole' -Answer { throw 'Access is denied.' }
        Use-StubAnswer -Command 'New-ScheduledTaskAction' -Answer { throw 'no tasks here' }
        { Add-BorgClusterRole -VMId $id -Name 'web01' } | Should -Throw -ErrorId 'BorgClusterRoleNotAdded*'
        { Add-BorgClusterRole -VMId $id -Name 'web01' } | Should -Throw '*Access is denied*Generic failure*no tasks here*'
    }
}
