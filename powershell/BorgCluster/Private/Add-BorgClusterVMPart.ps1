function Add-BorgClusterVMPart {
    <#
    .SYNOPSIS
    Adds one part to the report of a virtual machine, or fails: its disks, checkpoints, files, network and Fibre Channel adapters.
    #>
    param (
        [Parameter(Mandatory)]
        [ValidateSet('Disk', 'Checkpoint', 'File', 'Adapter', 'FibreChannel')]
        [string]
        $Part,

        [Parameter(Mandatory)]
        [object]
        $VM,

        [Parameter(Mandatory)]
        [System.Collections.Specialized.OrderedDictionary]
        $Report,

        [Parameter(Mandatory)]
        [hashtable]
        $Cache
    )

    switch ($Part) {
        'Disk' {
            $drives = @(Hyper-V\Get-VMHardDiskDrive -VM $VM -ErrorAction Stop)
            $Report['disks'] = @(foreach ($drive in $drives) { ConvertTo-BorgClusterDisk -Drive $drive -Cache $Cache })
        }
        'Checkpoint' {
            $checkpoints = @(Hyper-V\Get-VMSnapshot -VM $VM -ErrorAction Stop)
            $Report['checkpoints'] = @(foreach ($one in $checkpoints) { ConvertTo-BorgClusterCheckpoint -Checkpoint $one })
        }
        'File' {
            # Those on the way to a drive that can't be read are kept
            $files = [System.Collections.Generic.List[object]]::new()
            try {
                Get-BorgClusterVMFile -VM $VM -Checkpoint $Report['checkpoints'] -Disk $Report['disks'] | ForEach-Object -Process {
                    $files.Add($_)
                }
            } finally {
                $Report['files'] = $files.ToArray()
            }
        }
        'Adapter' {
            $adapters = [System.Collections.Generic.List[object]]::new()
            foreach ($adapter in @(Hyper-V\Get-VMNetworkAdapter -VM $VM -ErrorAction Stop)) {
                $one = [ordered]@{
                    id = [string] (Get-BorgClusterProperty -InputObject $adapter -Name 'Id')
                    name = [string] (Get-BorgClusterProperty -InputObject $adapter -Name 'Name')
                    switch_name = Get-BorgClusterWord -InputObject $adapter -Name 'SwitchName'
                    mac_address = Get-BorgClusterWord -InputObject $adapter -Name 'MacAddress'
                }
                $adapters.Add($one)
            }
            $Report['network_adapters'] = $adapters.ToArray()
        }
        'FibreChannel' {
            $ports = [System.Collections.Generic.List[object]]::new()
            # Not by Get-BorgClusterProperty: what can't be read is no sign that there is none
            $property = $VM.PSObject.Properties['FibreChannelHostBusAdapters']
            $found = if ($null -ne $property) { $property.Value }
            foreach ($port in @($found)) {
                if ($null -eq $port) {
                    continue
                }
                $one = [ordered]@{
                    id = [string] (Get-BorgClusterProperty -InputObject $port -Name 'Id')
                    san_name = Get-BorgClusterWord -InputObject $port -Name 'SanName'
                }
                $ports.Add($one)
            }
            $Report['fibre_channel_adapters'] = $ports.ToArray()
        }
    }
}
