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
    } elseif (-not (Test-BorgClusterSameVolume -Path $Source -Other $Destination)) {
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

    Add-BorgClusterFolder -Path $Destination
    $from = Resolve-BorgClusterNativePath -Path $Source
    $to = Resolve-BorgClusterNativePath -Path $Destination
    if ([System.IO.Directory]::Exists($from)) {
        [System.IO.Directory]::Move($from, $to)
    } else {
        [System.IO.File]::Move($from, $to)
    }
}
