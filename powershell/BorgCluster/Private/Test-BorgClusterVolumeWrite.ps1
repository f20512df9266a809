function Test-BorgClusterVolumeWrite {
    <#
    .SYNOPSIS
    Tells whether files can be made on all Cluster Shared Volumes; fails with the first volume where they can't.
    .DESCRIPTION
    An empty file is made and is gone as soon as it is closed. $null: there is no volume.
    #>
    $tried = $null
    foreach ($volume in @(FailoverClusters\Get-ClusterSharedVolume -ErrorAction Stop)) {
        foreach ($info in @($volume.SharedVolumeInfo)) {
            if ($null -eq $info) {
                # A volume that is offline
                continue
            }
            $path = Join-BorgClusterPath -Folder ([string] $info.FriendlyVolumeName) -Name ('.borg-cluster-' + [guid]::NewGuid())
            $how = @(
                (Resolve-BorgClusterNativePath -Path $path)
                [System.IO.FileMode]::CreateNew
                [System.IO.FileAccess]::Write
                [System.IO.FileShare]::None
                4096
                [System.IO.FileOptions]::DeleteOnClose
            )
            try {
                $stream = [System.IO.FileStream]::new($how[0], $how[1], $how[2], $how[3], $how[4], $how[5])
            } catch {
                throw "$($info.FriendlyVolumeName): $_"
            }
            $stream.Dispose()
            $tried = $true
        }
    }
    return $tried
}
