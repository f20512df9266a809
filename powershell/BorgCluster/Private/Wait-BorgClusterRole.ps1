function Wait-BorgClusterRole {
    <#
    .SYNOPSIS
    Waits until the role of a virtual machine is in one of some states (or is none of some), or the time is over.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [string[]]
        $State = @(),

        [string[]]
        $Except = @(),

        [Parameter(Mandatory)]
        [System.Diagnostics.Stopwatch]
        $Clock,

        [Parameter(Mandatory)]
        [int]
        $TimeoutSecond
    )

    while ($true) {
        $role = Find-BorgClusterRole -VMId $VMId
        if ($null -eq $role) {
            return $null
        }
        $now = [string] $role['Group'].State
        if ($now -in $State -or ($Except.Count -gt 0 -and $now -notin $Except)) {
            return $role
        }
        if ($Clock.Elapsed.TotalSeconds -ge $TimeoutSecond) {
            return $role
        }
        Start-Sleep -Milliseconds 500
    }
}
