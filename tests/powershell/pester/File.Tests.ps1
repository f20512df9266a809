BeforeAll {
    $root = Join-Path -Path $PSScriptRoot -ChildPath '../../..'
    Import-Module -Name (Join-Path -Path $root -ChildPath 'powershell/BorgCluster/BorgCluster.psd1') -Force
    $script:id = '00112233-4455-6677-8899-aabbccddeeff'
    $script:restore = '5b0e4e0a-9b0c-4a7d-8e2c-1b110f7c1d4a'
    $script:other = '9a3d0b77-2c1f-4b8e-8e44-7f0a1b2c3d4e'
    # One spelling of the folder: that of the system, without short names
    $script:disk = (Get-Item -LiteralPath $TestDrive).FullName
    $script:work = Join-Path -Path $disk -ChildPath '.borg-cluster'
    $script:mine = Join-Path -Path $work -ChildPath $restore
}

Describe 'Get-BorgClusterVMSid' {
    It 'orders the bytes as .NET does' {
        InModuleScope -ModuleName 'BorgCluster' -Parameters @{ Id = $id } -ScriptBlock {
            param ($Id)

            Get-BorgClusterVMSid -VMId $Id | Should -Be 'S-1-5-83-1-1122867-1719092309-3148519816-4293844428'
        }
    }
}

Describe 'Move-BorgClusterFile' {
    BeforeEach {
        $script:file = Join-Path -Path $disk -ChildPath 'web[1] $(x).vhdx'
        $script:parked = Join-Path -Path $mine -ChildPath 'parked/web[1] $(x).vhdx'
        Remove-Item -LiteralPath $work -Recurse -Force -ErrorAction SilentlyContinue
        Set-Content -LiteralPath $file -Value 'disk'
    }

    It 'renames, and does not mind that it was done before' {
        foreach ($time in 1, 2) {
            $answer = Move-BorgClusterFile -RestoreId $restore -Source $file -Destination $parked | ConvertFrom-Json
            $answer.schema | Should -Be 1
            $answer.restore_id | Should -Be $restore
            @($answer.files).exists | Should -Be @($false, $true)
        }
    }

    It 'never overwrites' {
        $null = New-Item -Path (Split-Path -Path $parked) -ItemType Directory -Force
        Set-Content -LiteralPath $parked -Value 'old'
        { Move-BorgClusterFile -RestoreId $restore -Source $file -Destination $parked } |
            Should -Throw -ErrorId 'BorgClusterDestinationExists*'
    }

    It 'tells when there is nothing to rename' {
        Remove-Item -LiteralPath $file
        { Move-BorgClusterFile -RestoreId $restore -Source $file -Destination $parked } |
            Should -Throw -ErrorId 'BorgClusterSourceMissing*'
    }

    It 'stays in the folder of its restore' {
        $outside = Join-Path -Path $disk -ChildPath 'elsewhere.vhdx'
        $escape = Join-Path -Path $mine -ChildPath '../../elsewhere.vhdx'
        foreach ($destination in $outside, $escape) {
            { Move-BorgClusterFile -RestoreId $restore -Source $file -Destination $destination } |
                Should -Throw -ErrorId 'BorgClusterPathNotAllowed*'
        }
        { Move-BorgClusterFile -RestoreId $other -Source $file -Destination $parked } |
            Should -Throw -ErrorId 'BorgClusterPathNotAllowed*'
        Test-Path -LiteralPath $file | Should -BeTrue
    }

    It 'only says what it would do' {
        $answer = Move-BorgClusterFile -RestoreId $restore -Source $file -Destination $parked -WhatIf | ConvertFrom-Json
        @($answer.files).exists | Should -Be @($true, $false)
    }
}

Describe 'Remove-BorgClusterRestoreFolder' {
    It 'deletes the folder of its restore and no other' {
        $null = New-Item -Path (Join-Path -Path $mine -ChildPath 'parked/deep') -ItemType Directory -Force
        { Remove-BorgClusterRestoreFolder -RestoreId $restore -Folder $work } | Should -Throw -ErrorId 'BorgClusterPathNotAllowed*'
        { Remove-BorgClusterRestoreFolder -RestoreId $other -Folder $mine } | Should -Throw -ErrorId 'BorgClusterPathNotAllowed*'
        Test-Path -LiteralPath $mine | Should -BeTrue
        foreach ($time in 1, 2) {
            $answer = Remove-BorgClusterRestoreFolder -RestoreId $restore -Folder $mine | ConvertFrom-Json
            @($answer.files)[0].exists | Should -BeFalse
        }
    }
}

Describe 'the claim' {
    It 'is one of those who try' {
        $first = New-BorgClusterClaim -VMId $id -Folder $work -ClaimId $restore -Holder 'a' -Purpose 'backup' | ConvertFrom-Json
        $again = New-BorgClusterClaim -VMId $id -Folder $work -ClaimId $restore -Holder 'a' -Purpose 'backup' | ConvertFrom-Json
        $second = New-BorgClusterClaim -VMId $id -Folder $work -ClaimId $other -Holder 'b' -Purpose 'restore' | ConvertFrom-Json
        @($first, $again, $second).acquired | Should -Be @($true, $true, $false)
        $second.holder | Should -Be 'a'
        $kept = Remove-BorgClusterClaim -VMId $id -Folder $work -ClaimId $other | ConvertFrom-Json
        $kept.claim_id | Should -Be $restore
        $gone = Remove-BorgClusterClaim -VMId $id -Folder $work -ClaimId $restore | ConvertFrom-Json
        $gone.claim_id | Should -BeNullOrEmpty
    }

    It 'is never taken for none because it can not be read' {
        $folder = Join-Path -Path $work -ChildPath 'claims'
        $null = New-Item -Path $folder -ItemType Directory -Force
        Set-Content -LiteralPath (Join-Path -Path $folder -ChildPath "$id.json") -Value ''
        { Get-BorgClusterClaim -VMId $id -Folder $work } | Should -Throw -ErrorId 'BorgClusterClaimUnreadable*'
    }
}
