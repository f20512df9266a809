function Add-BorgClusterDiskError {
    <#
    .SYNOPSIS
    Lets the disks of a virtual machine that could not be read in full tell so; nobody may take it for complete.
    .DESCRIPTION
    If not even its drives could be listed it gets one of unknown position that has nothing but the error.
    #>
    param (
        [Parameter(Mandatory)]
        [System.Collections.Specialized.OrderedDictionary]
        $Report,

        [Parameter(Mandatory)]
        [string]
        $Code
    )

    if (@($Report['disks']).Count -eq 0) {
        $unknown = [ordered]@{
            controller_type = 'Unknown'
            controller_number = 0
            controller_location = 0
            path = $null
            disk_number = $null
            shared = $false
            chain = @()
            chain_error = $Code
        }
        $Report['disks'] = @($unknown)
    }
    foreach ($disk in $Report['disks']) {
        if ($null -eq $disk['chain_error']) {
            $disk['chain_error'] = $Code
        }
    }
}
