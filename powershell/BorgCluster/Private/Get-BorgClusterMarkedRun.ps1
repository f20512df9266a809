function Get-BorgClusterMarkedRun {
    <#
    .SYNOPSIS
    Reads the id of the run from the name of a snapshot or reference point of ours; $null for somebody else's.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Setting
    )

    $name = [string] (Get-BorgClusterProperty -InputObject $Setting -Name 'ElementName')
    if ($name -match '^borg-cluster ([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})$') {
        return ConvertTo-BorgClusterId -Value $Matches[1]
    }
    return $null
}
