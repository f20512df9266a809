function Wait-BorgClusterMethodJob {
    <#
    .SYNOPSIS
    Waits for the job of a WMI method and returns it as it ended; fails as it failed, or when the time is over.
    .DESCRIPTION
    A job vanishes some minutes after its end, so what it tells is read at once. Its error is a number in its text, or the
    number beside it; the words are localized and for people. A job whose time is over is asked to stop, if it can be.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $Job,

        [Parameter(Mandatory)]
        [string]
        $MethodName,

        [Parameter(Mandatory)]
        [int]
        $TimeoutSecond
    )

    if ($null -eq $Job) {
        $record = @{
            ErrorId = 'BorgClusterJobMissing'
            Category = 'InvalidResult'
            Message = "$MethodName began a job and did not name it."
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    $clock = [System.Diagnostics.Stopwatch]::StartNew()
    while ($true) {
        $current = CimCmdlets\Get-CimInstance -InputObject $Job -ErrorAction Stop
        $state = [int] (Get-BorgClusterProperty -InputObject $current -Name 'JobState')
        # New, starting, running, suspended, shutting down
        if ($state -notin @(2, 3, 4, 5, 6)) {
            break
        }
        if ($clock.Elapsed.TotalSeconds -ge $TimeoutSecond) {
            throw (Limit-BorgClusterMethodJob -Job $current -MethodName $MethodName -TimeoutSecond $TimeoutSecond)
        }
        Start-Sleep -Milliseconds 250
    }
    # Completed, or completed with warnings
    if ($state -in @(7, 32768)) {
        return $current
    }
    $text = [string] (Get-BorgClusterProperty -InputObject $current -Name 'ErrorDescription')
    $summary = [string] (Get-BorgClusterProperty -InputObject $current -Name 'ErrorSummaryDescription')
    $number = [long] (Get-BorgClusterProperty -InputObject $current -Name 'ErrorCode')
    $code = '0x{0:X8}' -f ($number -band 4294967295)
    if ("$text $summary" -match '0x([0-9A-Fa-f]{8})\b') {
        $code = '0x' + $Matches[1].ToUpperInvariant()
    }
    $record = @{
        ErrorId = 'BorgClusterJobFailed'
        Category = 'OperationStopped'
        Message = "$MethodName failed with $code (job state $state): $text"
        TargetObject = $state
        Code = $code
    }
    throw (ConvertTo-BorgClusterErrorRecord @record)
}
