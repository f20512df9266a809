function Wait-BorgClusterVM {
    <#
    .SYNOPSIS
    Waits until a virtual machine of this node is in one of some states, is gone from it, or the time is over.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [string[]]
        $State,

        [Parameter(Mandatory)]
        [System.Diagnostics.Stopwatch]
        $Clock,

        [Parameter(Mandatory)]
        [int]
        $TimeoutSecond
    )

    while ($Clock.Elapsed.TotalSeconds -lt $TimeoutSecond) {
        $vm = Find-BorgClusterVM -VMId $VMId
        if ($null -eq $vm -or [string] $vm.State -in $State) {
            return
        }
        Start-Sleep -Milliseconds 500
    }
}
