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

Describe 'Set-BorgClusterRoleSetting' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'puts back what differs, and nothing else' {
        $saved = Get-BorgClusterRoleSetting -VMId $id
        $world['Group'][0].Priority = 1000
        $result = Set-BorgClusterRoleSetting -VMId $id -Setting $saved | ConvertFrom-Json
        @($result.applied) | Should -Be @('properties.Priority')
        $world['Group'][0].Priority | Should -Be 2000
    }

    It 'refuses the settings of another' {
        { Set-BorgClusterRoleSetting -VMId $other -Setting (Get-BorgClusterRoleSetting -VMId $id) } |
            Should -Throw -ErrorId 'BorgClusterSettingOfAnother*'
    }
}
