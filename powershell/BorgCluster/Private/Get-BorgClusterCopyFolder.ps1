function Get-BorgClusterCopyFolder {
    <#
    .SYNOPSIS
    Tells the folder of a virtual machine by its .vmcx: the one above 'Virtual Machines', else the file's own.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $folder = Get-BorgClusterParentPath -Path $Path
    if ((Get-BorgClusterLeafName -Path $folder) -eq 'Virtual Machines') {
        return Get-BorgClusterParentPath -Path $folder
    }
    return $folder
}
