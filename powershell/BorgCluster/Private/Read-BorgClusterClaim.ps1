function Read-BorgClusterClaim {
    <#
    .SYNOPSIS
    Reads a claim (a ClaimState); one that is just being written is waited for.
    .DESCRIPTION
    A claim that cannot be read is an error, and never 'unclaimed'.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $claim = [ordered]@{
        schema = 1
        vm_id = $VMId.ToString('D')
        path = $Path
        claim_id = $null
        holder = $null
        purpose = $null
        since = $null
        acquired = $false
    }
    $native = Resolve-BorgClusterNativePath -Path $Path
    $share = [System.IO.FileShare]::ReadWrite -bor [System.IO.FileShare]::Delete
    $clock = [System.Diagnostics.Stopwatch]::StartNew()
    while ($true) {
        try {
            $stream = [System.IO.File]::Open($native, [System.IO.FileMode]::Open, [System.IO.FileAccess]::Read, $share)
            break
        } catch [System.IO.FileNotFoundException], [System.IO.DirectoryNotFoundException] {
            return $claim
        } catch [System.IO.IOException] {
            # Its writer shares it with nobody until it is whole
            if ($clock.Elapsed.TotalSeconds -ge 5) {
                throw
            }
            Start-Sleep -Milliseconds 100
        }
    }
    try {
        $text = [System.IO.StreamReader]::new($stream, [System.Text.Encoding]::UTF8).ReadToEnd()
    } finally {
        $stream.Dispose()
    }

    $written = $null
    $reason = $null
    try {
        $written = ConvertFrom-Json -InputObject $text
    } catch {
        $reason = $_.Exception
    }
    $claim['claim_id'] = ConvertTo-BorgClusterId -Value (Get-BorgClusterProperty -InputObject $written -Name 'claim_id')
    if ($null -eq $claim['claim_id']) {
        $record = @{
            ErrorId = 'BorgClusterClaimUnreadable'
            Category = 'InvalidData'
            Message = "'$Path' is no claim. If no backup or restore of this virtual machine runs, delete it."
            TargetObject = $Path
            InnerException = $reason
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    $claim['holder'] = Get-BorgClusterWord -InputObject $written -Name 'holder'
    $claim['purpose'] = Get-BorgClusterWord -InputObject $written -Name 'purpose'
    $claim['since'] = ConvertTo-BorgClusterTime -Value (Get-BorgClusterProperty -InputObject $written -Name 'since')
    return $claim
}
