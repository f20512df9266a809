function Wait-BorgClusterJob {
    <#
    .SYNOPSIS
    Waits for the job of a Hyper-V cmdlet, or until the time is over; fails as the job failed.
    .DESCRIPTION
    What the job began goes on when the time is over: the guest was asked to shut down, the memory is being saved.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $Job,

        [Parameter(Mandatory)]
        [System.Diagnostics.Stopwatch]
        $Clock,

        [Parameter(Mandatory)]
        [int]
        $TimeoutSecond
    )

    if ($Job -isnot [System.Management.Automation.Job]) {
        return
    }
    $ended = @('Completed', 'Failed', 'Stopped')
    while ([string] $Job.State -notin $ended -and $Clock.Elapsed.TotalSeconds -lt $TimeoutSecond) {
        Start-Sleep -Milliseconds 250
    }
    if ([string] $Job.State -in $ended) {
        $null = Receive-Job -Job $Job -ErrorAction Stop
    }
}
