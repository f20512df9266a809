function Test-BorgClusterSameVolume {
    <#
    .SYNOPSIS
    Tells whether two paths lie on the same volume, so that a rename leads from one to the other.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [string]
        $Other
    )

    $roots = @{
        Path = Get-BorgClusterVolumeRoot -Path $Path
        Other = Get-BorgClusterVolumeRoot -Path $Other
    }
    return Test-BorgClusterSamePath @roots
}
