function Move-BorgClusterItem {
    <#
    .SYNOPSIS
    Renames a file or a folder within its volume; never overwrites. It is fine if that was done before.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Source,

        [Parameter(Mandatory)]
        [string]
        $Destination
    )

    $record = $null
    if (-not (Test-BorgClusterItem -Path $Source)) {
        if (Test-BorgClusterItem -Path $Destination) {
            return
        }
        $record = @{
            ErrorId = 'BorgClusterSourceMissing'
            Category = 'ObjectNotFound'
            Message = "Neither '$Source' nor '$Destination' exists."
            TargetObject = $Source
        }
    } elseif (Test-BorgClusterItem -Path $Destination) {
        $record = @{
            ErrorId = 'BorgClusterDestinationExists'
            Category = 'ResourceExists'
            Message = "Both '$Source' and '$Destination' exist."
            TargetObject = $Destination
        }
    } elseif ((Get-BorgClusterVolumeRoot -Path $Source) -ne (Get-BorgClusterVolumeRoot -Path $Destination)) {
        $record = @{
            ErrorId = 'BorgClusterDifferentVolume'
            Category = 'InvalidArgument'
            Message = "'$Source' and '$Destination' lie on different volumes."
            TargetObject = $Destination
        }
    }
    if ($null -ne $record) {
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }

    $null = [System.IO.Directory]::CreateDirectory([System.IO.Path]::GetDirectoryName($Destination))
    if ([System.IO.Directory]::Exists($Source)) {
        [System.IO.Directory]::Move($Source, $Destination)
    } else {
        [System.IO.File]::Move($Source, $Destination)
    }
}
