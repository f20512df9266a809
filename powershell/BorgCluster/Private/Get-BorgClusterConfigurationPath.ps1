function Get-BorgClusterConfigurationPath {
    <#
    .SYNOPSIS
    Tells where the .vmcx of a registered virtual machine lies: the file's own spelling if it is there, else the one Hyper-V
    uses.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM
    )

    $id = ([string] $VM.Id).ToUpperInvariant()
    $folder = Join-BorgClusterPath -Folder ([string] $VM.ConfigurationLocation) -Name 'Virtual Machines'
    foreach ($path in @(Get-BorgClusterFolderFile -Folder $folder -Pattern "$id.vmcx")) {
        return $path
    }
    return Join-BorgClusterPath -Folder $folder -Name "$id.vmcx"
}
