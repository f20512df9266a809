function Get-BorgClusterSnapshotFile {
    <#
    .SYNOPSIS
    Lists the files that hold the configuration and the states of a snapshot, as far as they are there.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Setting
    )

    $root = Get-BorgClusterWord -InputObject $Setting -Name 'ConfigurationDataRoot'
    $file = Get-BorgClusterWord -InputObject $Setting -Name 'ConfigurationFile'
    if ($null -eq $root -or $null -eq $file) {
        return
    }
    $path = $file
    if ($file -notmatch '^([A-Za-z]:|[\\/])') {
        $path = Join-BorgClusterPath -Folder $root -Name $file
    }
    $stem = (Get-BorgClusterLeafName -Path $path) -replace '\.[^.]+$', ''
    $folder = Get-BorgClusterParentPath -Path $path
    foreach ($extension in @('.vmcx', '.vmgs', '.vmrs')) {
        Get-BorgClusterFolderFile -Folder $folder -Pattern ([System.Management.Automation.WildcardPattern]::Escape($stem) + $extension)
    }
}
