function Resolve-BorgClusterNativePath {
    <#
    .SYNOPSIS
    Tells how .NET calls a path: on Windows just like that.
    .DESCRIPTION
    PowerShell's drives mean nothing to .NET. Where C: is one of those and no drive of the system's (the module's tests on
    other systems), its root takes its place. Below a drive that is not there nothing exists, and the path stays as it is.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    if ([System.IO.Path]::DirectorySeparatorChar -eq '\') {
        return $Path
    }
    try {
        return $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
    } catch [System.Management.Automation.DriveNotFoundException] {
        return $Path
    }
}
