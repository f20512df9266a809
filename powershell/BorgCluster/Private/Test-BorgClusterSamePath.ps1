function Test-BorgClusterSamePath {
    <#
    .SYNOPSIS
    Tells whether two texts are the same path: without regard to case, to the kind of separator, and to one at the end.
    #>
    param (
        [Parameter(Mandatory)]
        [AllowEmptyString()]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [AllowEmptyString()]
        [string]
        $Other
    )

    return $Path.Replace('/', '\').TrimEnd('\') -eq $Other.Replace('/', '\').TrimEnd('\')
}
