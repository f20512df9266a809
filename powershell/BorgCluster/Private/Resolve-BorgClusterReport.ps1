function Resolve-BorgClusterReport {
    <#
    .SYNOPSIS
    Mends what Compare-VM found if that is a missing switch, whose adapter is disconnected, or a missing medium of a DVD drive,
    which is ejected. Everything else is only listed.
    .OUTPUTS
    A table with Report (compared again if it was mended), Findings (a list of Incompatibility), and Unmended (their number).
    #>
    param (
        [Parameter(Mandatory)]
        [object]
        $Report
    )

    $findings = [System.Collections.Generic.List[object]]::new()
    $mended = $false
    foreach ($found in @(Get-BorgClusterProperty -InputObject $Report -Name 'Incompatibilities')) {
        if ($null -eq $found) {
            continue
        }
        $finding = ConvertTo-BorgClusterIncompatibility -Incompatibility $found
        $source = Get-BorgClusterProperty -InputObject $found -Name 'Source'
        if ($finding['source_type'] -eq 'VMNetworkAdapter' -and $null -ne $source) {
            $null = Hyper-V\Disconnect-VMNetworkAdapter -VMNetworkAdapter $source -Confirm:$false -ErrorAction Stop
            $finding['mended_by'] = 'disconnected'
            $mended = $true
        }
        if ($finding['source_type'] -eq 'DvdDrive' -and $null -ne $source) {
            $null = Hyper-V\Set-VMDvdDrive -VMDvdDrive $source -Path $null -Confirm:$false -ErrorAction Stop
            $finding['mended_by'] = 'ejected'
            $mended = $true
        }
        $findings.Add($finding)
    }
    $current = $Report
    if ($mended) {
        $current = Hyper-V\Compare-VM -CompatibilityReport $Report -Confirm:$false -ErrorAction Stop
        foreach ($left in @(Get-BorgClusterProperty -InputObject $current -Name 'Incompatibilities')) {
            if ($null -eq $left) {
                continue
            }
            $finding = ConvertTo-BorgClusterIncompatibility -Incompatibility $left
            if ($finding['source_type'] -in @('VMNetworkAdapter', 'DvdDrive')) {
                # Disconnecting or ejecting was not the cure
                $findings.Add($finding)
            }
        }
    }
    $unmended = @(foreach ($finding in $findings) { if ($null -eq $finding['mended_by']) { $finding } })
    return @{ Report = $current; Findings = $findings.ToArray(); Unmended = $unmended.Count }
}
