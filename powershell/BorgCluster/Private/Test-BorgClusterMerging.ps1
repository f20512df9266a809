function Test-BorgClusterMerging {
    <#
    .SYNOPSIS
    Tells whether disks of a virtual machine are being merged, or still have to be.
    .DESCRIPTION
    Hyper-V says so while it merges, but begins some moments after the snapshot is gone: then the machine still writes to
    differencing disks without having a checkpoint that they would belong to.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM
    )

    $table = Get-BorgClusterOperationalStatus -VMId $VM.Id
    if (32772 -in @(Select-BorgClusterOperationalStatus -VM $VM -Table $table)) {
        return $true
    }
    $drives = @(Hyper-V\Get-VMHardDiskDrive -VM $VM -ErrorAction Stop)
    $leaves = @(foreach ($path in @(Get-BorgClusterDrivePath -Drive $drives)) { if ($path -match '\.avhdx?$') { $path } })
    if ($leaves.Count -eq 0) {
        return $false
    }
    return @(Hyper-V\Get-VMSnapshot -VM $VM -ErrorAction Stop).Count -eq 0
}
