function Get-BorgClusterConfigurationPath {
    <#
    .SYNOPSIS
    Tells where the .vmcx of a registered virtual machine lies: the file's own spelling if it is there, else the one Hyper-V
    uses; '' if Hyper-V can't tell now.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM
    )

    $id = ([string] $VM.Id).ToUpperInvariant()
    $folder = Get-BorgClusterVMFolder -VM $VM
    if ($folder -eq '') {
        return ''
    }
    foreach ($path in @(Get-BorgClusterFolderFile -Folder $folder -Pattern "$id.vmcx")) {
        return $path
    }
    return Join-BorgClusterPath -Folder $folder -Name "$id.vmcx"
}
