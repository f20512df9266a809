function Resolve-BorgClusterClaimPath {
    <#
    .SYNOPSIS
    Tells where the claim of a virtual machine lies in a work folder, which must be called .borg-cluster.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [string]
        $Folder
    )

    $root = Resolve-BorgClusterPath -Path $Folder
    if ($root -notmatch '[\\/]\.borg-cluster$') {
        $record = @{
            ErrorId = 'BorgClusterPathNotAllowed'
            Category = 'InvalidArgument'
            Message = "'$Folder' is no folder called .borg-cluster."
            TargetObject = $Folder
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
    return Join-BorgClusterPath -Folder $root -Name ('claims\' + $VMId.ToString('D') + '.json')
}
