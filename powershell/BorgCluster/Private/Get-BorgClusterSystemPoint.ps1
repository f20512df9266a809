function Get-BorgClusterSystemPoint {
    <#
    .SYNOPSIS
    Lists a virtual machine's reference points (Msvm_VirtualSystemReferencePoint).
    #>
    param (
        # Its Msvm_ComputerSystem
        [Parameter(Mandatory)]
        [object]
        $System
    )

    $link = @{
        InputObject = $System
        ClassName = 'Msvm_VirtualSystemReferencePoint'
        Association = 'Msvm_ReferencePointOfVirtualSystem'
    }
    foreach ($point in @(Get-BorgClusterAssociate @link)) {
        $point
    }
}
