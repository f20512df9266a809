function Get-BorgClusterTableChange {
    <#
    .SYNOPSIS
    Lists the entries of a table of settings that differ from what holds now, as changes to make.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowNull()]
        [object]
        $Wanted,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary]
        $Current,

        [Parameter(Mandatory)]
        [string]
        $Prefix,

        [Parameter(Mandatory)]
        [ValidateSet('Property', 'Parameter')]
        [string]
        $Kind,

        [Parameter(Mandatory)]
        [object]
        $Target
    )

    if ($null -eq $Wanted) {
        return
    }
    foreach ($entry in $Wanted.PSObject.Properties) {
        # Nothing can't be set; and a number may come as another type of number
        if ($null -ne $entry.Value -and [string] $entry.Value -ne [string] $Current[$entry.Name]) {
            @{ Setting = "$Prefix.$($entry.Name)"; Kind = $Kind; Target = $Target; Name = $entry.Name; Value = $entry.Value }
        }
    }
}
