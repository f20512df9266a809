function Get-BorgClusterVMFile {
    <#
    .SYNOPSIS
    Lists the files of a virtual machine that are no disks: configuration, states, checkpoints', change tracking, ISO images.
    .DESCRIPTION
    The .vmcx files are listed whether they are there or not, since they must be; of the others those that are there, and the
    ISO images that drives name.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [object[]]
        $Checkpoint,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [object[]]
        $Disk
    )

    $id = ([string] $VM.Id).ToUpperInvariant()
    $folder = Get-BorgClusterVMFolder -VM $VM
    if ($folder -ne '') {
        ConvertTo-BorgClusterVMFile -Path (Get-BorgClusterConfigurationPath -VM $VM) -Kind 'configuration'
        foreach ($path in @(Get-BorgClusterFolderFile -Folder $folder -Pattern "$id.vmgs")) {
            ConvertTo-BorgClusterVMFile -Path $path -Kind 'guest_state'
        }
        foreach ($path in @(Get-BorgClusterFolderFile -Folder $folder -Pattern "$id.vmrs")) {
            ConvertTo-BorgClusterVMFile -Path $path -Kind 'runtime_state'
        }
    }

    $root = Get-BorgClusterWord -InputObject $VM -Name 'SnapshotFileLocation'
    if ($null -ne $root) {
        $folder = Join-BorgClusterPath -Folder $root -Name 'Snapshots'
        foreach ($one in $Checkpoint) {
            $name = ([string] $one['id']).ToUpperInvariant()
            $paths = @(Get-BorgClusterFolderFile -Folder $folder -Pattern "$name.vmcx")
            if ($paths.Count -eq 0) {
                $paths = @(Join-BorgClusterPath -Folder $folder -Name "$name.vmcx")
            }
            ConvertTo-BorgClusterVMFile -Path $paths[0] -Kind 'checkpoint_configuration'
            foreach ($pattern in @("$name.vmgs", "$name.vmrs")) {
                foreach ($path in @(Get-BorgClusterFolderFile -Folder $folder -Pattern $pattern)) {
                    ConvertTo-BorgClusterVMFile -Path $path -Kind 'checkpoint_state'
                }
            }
        }
    }

    $paging = Get-BorgClusterWord -InputObject $VM -Name 'SmartPagingFilePath'
    if ($null -ne $paging) {
        foreach ($path in @(Get-BorgClusterFolderFile -Folder $paging -Pattern "$id*.slp")) {
            ConvertTo-BorgClusterVMFile -Path $path -Kind 'smart_paging'
        }
    }
    foreach ($one in $Disk) {
        foreach ($file in $one['chain']) {
            foreach ($extension in @('.rct', '.mrt')) {
                $path = $file['path'] + $extension
                if ((Test-BorgClusterItem -Path $path)) {
                    ConvertTo-BorgClusterVMFile -Path $path -Kind 'change_tracking'
                }
            }
        }
    }
    foreach ($drive in @(Hyper-V\Get-VMDvdDrive -VM $VM -ErrorAction Stop)) {
        $path = Get-BorgClusterWord -InputObject $drive -Name 'Path'
        $media = Get-BorgClusterWord -InputObject $drive -Name 'DvdMediaType'
        if ($null -ne $path -and $media -ne 'PassThrough') {
            ConvertTo-BorgClusterVMFile -Path $path -Kind 'iso'
        }
    }
}
