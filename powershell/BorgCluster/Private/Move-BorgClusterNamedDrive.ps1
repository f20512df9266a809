function Move-BorgClusterNamedDrive {
    <#
    .SYNOPSIS
    Lets the drives of a planned virtual machine use the disks where they lie now, and its other files its own folder.
    .DESCRIPTION
    Drive holds tables with Source, the path that the configuration has, and Destination, where that disk lies.
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $VM,

        [Parameter(Mandatory)]
        [object[]]
        $Drive,

        [Parameter(Mandatory)]
        [string]
        $Folder
    )

    $present = @(Hyper-V\Get-VMHardDiskDrive -VM $VM -ErrorAction Stop)
    foreach ($pair in $Drive) {
        $found = @(foreach ($one in $present) {
            $path = Get-BorgClusterWord -InputObject $one -Name 'Path'
            if ($null -ne $path -and (Test-BorgClusterSamePath -Path $path -Other $pair['Source'])) {
                $one
            }
        })
        if ($found.Count -ne 1) {
            $record = @{
                ErrorId = 'BorgClusterDiskNotFound'
                Category = 'ObjectNotFound'
                Message = "The configuration names the disk '$($pair['Source'])' $($found.Count) times; it must once."
                TargetObject = $pair['Source']
            }
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
        $change = @{
            VMHardDiskDrive = $found[0]
            Path = $pair['Destination']
            Confirm = $false
            ErrorAction = 'Stop'
        }
        $null = Hyper-V\Set-VMHardDiskDrive @change
    }
    $places = @{
        VM = $VM
        SnapshotFileLocation = $Folder
        SmartPagingFilePath = $Folder
        Confirm = $false
        ErrorAction = 'Stop'
    }
    $null = Hyper-V\Set-VM @places
}
