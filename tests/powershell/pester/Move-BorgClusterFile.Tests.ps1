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

Describe 'Move-BorgClusterFile' {
    BeforeEach {
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        $script:world = Use-StubWorld -Root $root
    }

    It 'renames, and does not mind that it was done before' {
        $file = Join-Path -Path $root -ChildPath 'web[1] $(x).vhdx'
        $parked = Join-Path -Path $mine -ChildPath 'parked/web[1] $(x).vhdx'
        Set-Content -LiteralPath $file -Value 'disk'
        foreach ($time in 1, 2) {
            $answer = Move-BorgClusterFile -RestoreId $run -Source $file -Destination $parked | ConvertFrom-Json
            @($answer.files).exists | Should -Be @($false, $true)
        }
    }

    It 'never overwrites' {
        $parked = Join-Path -Path $mine -ChildPath 'parked/web01.vhdx'
        $null = New-Item -Path (Split-Path -Path $parked) -ItemType Directory -Force
        Set-Content -LiteralPath $parked -Value 'old'
        { Move-BorgClusterFile -RestoreId $run -Source $world['Disk'] -Destination $parked } |
            Should -Throw -ErrorId 'BorgClusterDestinationExists*'
    }

    It 'tells when there is nothing to rename' {
        $parked = Join-Path -Path $mine -ChildPath 'parked/web01.vhdx'
        { Move-BorgClusterFile -RestoreId $run -Source ($world['Disk'] + '.none') -Destination $parked } |
            Should -Throw -ErrorId 'BorgClusterSourceMissing*'
    }

    It 'stays in the folder of its restore' {
        $outside = Join-Path -Path $root -ChildPath 'elsewhere.vhdx'
        $escape = Join-Path -Path $mine -ChildPath '../../elsewhere.vhdx'
        $another = Join-Path -Path $work -ChildPath "$other/parked/web01.vhdx"
        foreach ($destination in $outside, $escape, $another) {
            { Move-BorgClusterFile -RestoreId $run -Source $world['Disk'] -Destination $destination } |
                Should -Throw -ErrorId 'BorgClusterPathNotAllowed*'
        }
        Test-Path -LiteralPath $world['Disk'] | Should -BeTrue
    }

    It 'only says what it would do' {
        $parked = Join-Path -Path $mine -ChildPath 'parked/web01.vhdx'
        $answer = Move-BorgClusterFile -RestoreId $run -Source $world['Disk'] -Destination $parked -WhatIf | ConvertFrom-Json
        @($answer.files).exists | Should -Be @($true, $false)
    }
}
