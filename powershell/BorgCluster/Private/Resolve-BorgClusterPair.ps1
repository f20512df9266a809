function Resolve-BorgClusterPair {
    <#
    .SYNOPSIS
    Pairs sources with destinations, all of them full paths, before anything is touched.
    #>
    param (
        [Parameter(Mandatory)]
        [string[]]
        $Source,

        [Parameter(Mandatory)]
        [string[]]
        $Destination
    )

    if ($Source.Count -ne $Destination.Count) {
        $record = @{
            ErrorId = 'BorgClusterUnequalPairs'
            Category = 'InvalidArgument'
            Message = "$($Source.Count) sources, but $($Destination.Count) destinations."
            TargetObject = $Source.Count
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    for ($index = 0; $index -lt $Source.Count; $index++) {
        @{
            Source = Resolve-BorgClusterPath -Path $Source[$index]
            Destination = Resolve-BorgClusterPath -Path $Destination[$index]
        }
    }
}
