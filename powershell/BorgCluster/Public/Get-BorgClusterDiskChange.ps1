function Get-BorgClusterDiskChange {
    <#
    .SYNOPSIS
    Reports which ranges of a virtual disk changed since a reference point.
    .DESCRIPTION
    The whole disk is asked about, in as many calls as Windows needs; one that gets nowhere fails with BorgClusterNoProgress.
    Ranges are bytes of the virtual disk, not of its file.
    .PARAMETER VMId
    The id of the virtual machine.
    .PARAMETER Path
    Full path of a frozen disk.
    .PARAMETER Since
    The disk's change tracking identifier in the reference point.
    .EXAMPLE
    Get-BorgClusterDiskChange -VMId '8d2f3c1e-0a9b-4c57-9a5e-7c5b3d1f2a10' -Path $disk -Since $rct
    .OUTPUTS
    One text: JSON, or gzip in Base64 beyond 100 kB.
    #>
    [CmdletBinding()]
    [OutputType([string])]
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [ValidateNotNullOrEmpty()]
        [string]
        $Path,

        [Parameter(Mandatory)]
        [ValidateNotNullOrEmpty()]
        [string]
        $Since
    )

    Set-StrictMode -Version 2.0
    $ErrorActionPreference = 'Stop'

    $null = Assert-BorgClusterVM -VMId $VMId
    $file = Resolve-BorgClusterPath -Path $Path
    $size = [long] (Find-BorgClusterVhd -Path $file).Size
    $answer = [ordered]@{
        node = [System.Environment]::MachineName
        vm_id = $VMId.ToString('D')
        path = $file
        since = $Since
        virtual_size = $size
        ranges = @(Get-BorgClusterChangedRange -Path $file -Since $Since -Size $size)
    }
    ConvertTo-BorgClusterAnswer -Answer $answer
}
