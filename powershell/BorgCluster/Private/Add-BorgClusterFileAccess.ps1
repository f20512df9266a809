function Add-BorgClusterFileAccess {
    <#
    .SYNOPSIS
    Lets an account use a file, or a folder and all that is below it. A right that is there already stays one right.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [string]
        $Sid
    )

    # A SID, marked by the star: no name that would be localized, or unknown where the machine is not registered
    $right = '*' + $Sid + ':(F)'
    if ([System.IO.Directory]::Exists((Resolve-BorgClusterNativePath -Path $Path))) {
        $right = '*' + $Sid + ':(OI)(CI)(F)'
    }
    $code = (Invoke-BorgClusterTool -Name 'icacls' -Argument @($Path, '/grant', $right))['ExitCode']
    if ($code -ne 0) {
        $record = @{
            ErrorId = 'BorgClusterAccessNotGranted'
            Category = 'PermissionDenied'
            Message = "icacls could not grant $Sid full control of '$Path' and ended with code $code."
            TargetObject = $Path
            # Its codes are Windows' own
            Code = '0x8007{0:X4}' -f ($code -band 0xFFFF)
        }
        throw (ConvertTo-BorgClusterErrorRecord @record)
    }
}
