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

Describe 'New-BorgClusterClaim' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'is of one of those who try' {
        $first = New-BorgClusterClaim -VMId $id -Folder $work -ClaimId $run -Holder 'a' -Purpose 'backup' | ConvertFrom-Json
        $again = New-BorgClusterClaim -VMId $id -Folder $work -ClaimId $run -Holder 'a' -Purpose 'backup' | ConvertFrom-Json
        $second = New-BorgClusterClaim -VMId $id -Folder $work -ClaimId $other -Holder 'b' -Purpose 'restore' | ConvertFrom-Json
        @($first, $again, $second).acquired | Should -Be @($true, $true, $false)
        $second.holder | Should -Be 'a'
    }

    It 'refuses another folder' {
        { New-BorgClusterClaim -VMId $id -Folder $root -ClaimId $run -Holder 'a' -Purpose 'b' } |
            Should -Throw -ErrorId 'BorgClusterPathNotAllowed*'
    }
}
