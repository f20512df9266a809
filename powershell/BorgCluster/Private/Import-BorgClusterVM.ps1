function Import-BorgClusterVM {
    <#
    .SYNOPSIS
    Registers a virtual machine in place if nothing but missing switches hinders it, and lists what Compare-VM found.
    .DESCRIPTION
    The report holds a planned machine and cannot leave this runspace: comparing, mending and importing are one call. If the
    machine is not imported the planned one is destroyed again.
    .OUTPUTS
    A list of Incompatibility.
    #>
    param (
        [Parameter(Mandatory)]
        [guid]
        $VMId,

        [Parameter(Mandatory)]
        [string]
        $Path,

        [object[]]
        $Drive = @()
    )

    $report = Hyper-V\Compare-VM -Path $Path -Register -Confirm:$false -ErrorAction Stop
    $imported = $false
    try {
        if ((ConvertTo-BorgClusterId -Value $report.VM.Id) -ne $VMId.ToString('D')) {
            $record = @{
                ErrorId = 'BorgClusterVMIdDiffers'
                Category = 'InvalidData'
                Message = "'$Path' is the configuration of $($report.VM.Id), not of $VMId."
                TargetObject = $Path
            }
            throw (ConvertTo-BorgClusterErrorRecord @record)
        }
        if ($Drive.Count -gt 0) {
            Move-BorgClusterNamedDrive -VM $report.VM -Drive $Drive -Folder (Get-BorgClusterCopyFolder -Path $Path)
            $report = Hyper-V\Compare-VM -CompatibilityReport $report -Confirm:$false -ErrorAction Stop
        }
        $checked = Resolve-BorgClusterReport -Report $report
        $report = $checked['Report']
        if ($checked['Unmended'] -eq 0) {
            $null = Hyper-V\Import-VM -CompatibilityReport $report -Confirm:$false -ErrorAction Stop
            $imported = $true
        }
        foreach ($finding in $checked['Findings']) {
            $finding
        }
    } finally {
        if (-not $imported -and $null -ne $report.VM) {
            Clear-BorgClusterPlannedVM -VM $report.VM
        }
    }
}
