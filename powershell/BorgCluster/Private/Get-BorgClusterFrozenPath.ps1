function Get-BorgClusterFrozenPath {
    <#
    .SYNOPSIS
    Lists which file the oldest recovery snapshot of a virtual machine freezes for each disk: a table of key and path.
    #>
    param (
        # Its Msvm_ComputerSystem
        [Parameter(Mandatory)]
        [object]
        $System
    )

    $paths = @{}
    $settings = @(Get-BorgClusterSnapshotSetting -System $System)
    foreach ($setting in @($settings | Sort-Object -Property 'CreationTime')) {
        foreach ($storage in @(Get-BorgClusterFrozenStorage -Setting $setting)) {
            $key = Get-BorgClusterDiskKey -InstanceId $storage.InstanceID
            if ($key -ne '' -and -not $paths.ContainsKey($key)) {
                $paths[$key] = [string] @($storage.HostResource)[0]
            }
        }
    }
    return $paths
}
