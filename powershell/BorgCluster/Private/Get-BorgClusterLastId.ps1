function Get-BorgClusterLastId {
    <#
    .SYNOPSIS
    Finds the last GUID in a WMI InstanceID, such as Microsoft:<guid>; $null when there is none.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $InstanceId
    )

    $found = [regex]::Matches([string] $InstanceId, '[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}')
    if ($found.Count -eq 0) {
        return $null
    }
    return ConvertTo-BorgClusterId -Value $found[$found.Count - 1].Value
}
