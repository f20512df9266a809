function Get-BorgClusterVMState {
    <#
    .SYNOPSIS
    Reports all that decides a restore step about one virtual machine: its role, its registration here, and some paths.
    .DESCRIPTION
    The role is the same from every node, the registration is that of this node. Paths are looked at only if the caller names
    them: a file is opened for writing for a moment to learn whether it is in use.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Path
    Full paths of files or folders whose state is wanted too.
    .EXAMPLE
    Get-BorgClusterVMState -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -Path 'C:\ClusterStorage\Volume1\web01\web01.vhdx'
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter()]
        [AllowEmptyCollection()]
        [string[]]
        $Path = @()
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    ConvertTo-BorgClusterAnswer -Answer (Get-BorgClusterVMStateFact -VMId $VMId -Path $Path)
}
