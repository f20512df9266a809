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
        $Path
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
        $findings = [System.Collections.Generic.List[object]]::new()
        $mended = $false
        foreach ($found in @($report.Incompatibilities)) {
            if ($null -eq $found) {
                continue
            }
            $finding = ConvertTo-BorgClusterIncompatibility -Incompatibility $found
            if ($finding['source_type'] -eq 'VMNetworkAdapter') {
                $null = Hyper-V\Disconnect-VMNetworkAdapter -VMNetworkAdapter $found.Source -Confirm:$false -ErrorAction Stop
                $finding['mended_by'] = 'disconnected'
                $mended = $true
            }
            $findings.Add($finding)
        }
        if ($mended) {
            $report = Hyper-V\Compare-VM -CompatibilityReport $report -Confirm:$false -ErrorAction Stop
            foreach ($left in @($report.Incompatibilities)) {
                if ($null -eq $left) {
                    continue
                }
                $finding = ConvertTo-BorgClusterIncompatibility -Incompatibility $left
                if ($finding['source_type'] -eq 'VMNetworkAdapter') {
                    # Disconnecting was not the cure
                    $findings.Add($finding)
                }
            }
        }
        $unmended = @(foreach ($finding in $findings) { if ($null -eq $finding['mended_by']) { $finding } })
        if ($unmended.Count -eq 0) {
            $null = Hyper-V\Import-VM -CompatibilityReport $report -Confirm:$false -ErrorAction Stop
            $imported = $true
        }
        return $findings.ToArray()
    } finally {
        if (-not $imported -and $null -ne $report.VM) {
            Clear-BorgClusterPlannedVM -VM $report.VM
        }
    }
}
