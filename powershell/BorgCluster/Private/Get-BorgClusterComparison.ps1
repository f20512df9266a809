function Get-BorgClusterComparison {
    <#
    .SYNOPSIS
    Lists what Compare-VM finds in a configuration that is not in its place yet, without its disks and media.
    .OUTPUTS
    A list of Incompatibility.
    #>
    param (
        [Parameter(Mandatory)]
        [string]
        $Path
    )

    $folder = Get-BorgClusterCopyFolder -Path $Path
    $how = @{
        Path = $Path
        Copy = $true
        GenerateNewId = $true
        VirtualMachinePath = $folder
        SnapshotFilePath = $folder
        SmartPagingFilePath = $folder
        Confirm = $false
        ErrorAction = 'Stop'
    }
    $report = Hyper-V\Compare-VM @how
    try {
        $checked = Resolve-BorgClusterReport -Report $report
        foreach ($finding in $checked['Findings']) {
            if ($finding['source_type'] -notin @('HardDiskDrive', 'DvdDrive')) {
                $finding
            }
        }
    } finally {
        if ($null -ne $report.VM) {
            Clear-BorgClusterPlannedVM -VM $report.VM
        }
    }
}
