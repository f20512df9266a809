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

Describe 'Clear-BorgClusterChangeTracking' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'parks what belongs to another content' {
        $rct = $world['Disk'] + '.rct'
        Set-Content -LiteralPath $rct -Value 'tracking'
        $null = New-Item -Path $mine -ItemType Directory -Force
        foreach ($time in 1, 2) {
            $result = Clear-BorgClusterChangeTracking -RestoreId $run -Path $world['Disk'] | ConvertFrom-Json
            @($result.files).exists | Should -Be @($false, $false)
        }
        $parked = Join-Path -Path $mine -ChildPath 'parked/web01/web01.vhdx.rct'
        Test-Path -LiteralPath $parked | Should -BeTrue
    }

    It 'refuses a path that is not full' {
        { Clear-BorgClusterChangeTracking -RestoreId $run -Path 'web01.vhdx' } | Should -Throw -ErrorId 'BorgClusterPathNotAllowed*'
    }
}
