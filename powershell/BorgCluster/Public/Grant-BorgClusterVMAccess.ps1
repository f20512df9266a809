function Grant-BorgClusterVMAccess {
    <#
    .SYNOPSIS
    Lets a virtual machine's own account use files and folders.
    .DESCRIPTION
    Files that were written over the network lack that right, and the machine would not start ("General access denied"). The
    account is named by its SID, which is computed from the id. A right that is there already is fine.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Path
    Full paths of files or folders.
    .EXAMPLE
    Grant-BorgClusterVMAccess -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -Path 'C:\ClusterStorage\Volume1\web01\web01.vhdx'
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding(SupportsShouldProcess)]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [ValidateNotNullOrEmpty()]
        [string[]]
        $Path
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $paths = @(foreach ($one in $Path) { Resolve-BorgClusterPath -Path $one })
    foreach ($one in $paths) {
        if (-not (Test-BorgClusterItem -Path $one)) {
            $record = @{
                ErrorId = 'BorgClusterPathMissing'
                Category = 'ObjectNotFound'
                Message = "'$one' does not exist."
                TargetObject = $one
            }
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
    }
    $sid = Get-BorgClusterVMSid -VMId $VMId
    foreach ($one in $paths) {
        if ($PSCmdlet.ShouldProcess($one, "Grant full control to $sid")) {
            Add-BorgClusterFileAccess -Path $one -Sid $sid
        }
    }
    ConvertTo-BorgClusterFileResult -Path $paths
}
