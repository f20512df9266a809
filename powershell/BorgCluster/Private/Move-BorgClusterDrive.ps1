function Move-BorgClusterDrive {
    <#
    .SYNOPSIS
    Lets the drives of a planned virtual machine use the disks below its own folder, or fails.
    .DESCRIPTION
    A configuration names the disks of the machine that it was copied from. None of those may ever be attached to the copy:
    each drive gets the one file of that name below the copy's folder.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM,

        [Parameter(Mandatory)]
        [string]
        $Folder
    )

    foreach ($drive in @(Hyper-V\Get-VMHardDiskDrive -VM $VM -ErrorAction Stop)) {
        $path = Get-BorgClusterWord -InputObject $drive -Name 'Path'
        $found = @()
        if ($null -ne $path -and $null -eq (Get-BorgClusterProperty -InputObject $drive -Name 'DiskNumber')) {
            $name = [System.Management.Automation.WildcardPattern]::Escape((Get-BorgClusterLeafName -Path $path))
            $found = @(Get-BorgClusterFolderFile -Folder $Folder -Pattern $name -Recurse)
        }
        if ($found.Count -ne 1) {
            $record = @{
                ErrorId = 'BorgClusterDiskNotFound'
                Category = 'ObjectNotFound'
                Message = "'$Folder' has $($found.Count) files that could be the disk '$path' of the copy; it needs exactly one."
                TargetObject = $path
            }
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
        if (-not (Test-BorgClusterSamePath -Path $path -Other $found[0])) {
            $change = @{
                VMHardDiskDrive = $drive
                Path = $found[0]
                Confirm = $false
                ErrorAction = 'Stop'
            }
            $null = Hyper-V\Set-VMHardDiskDrive @change
        }
    }
}
